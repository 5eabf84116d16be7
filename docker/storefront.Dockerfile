# The example shop behind gunicorn. It runs from the sources: the shop is no part of the wheel.
FROM python:3.11-slim-bookworm
ENV PYTHONUNBUFFERED=1 PYTHONPATH=/app DJANGO_SETTINGS_MODULE=examples.storefront.settings
WORKDIR /app
COPY requirements/storefront.lock ./
RUN pip install --no-cache-dir --require-hashes -r storefront.lock
COPY dbrouting dbrouting
COPY fragments fragments
COPY migrations_policy migrations_policy
COPY origin origin
COPY examples examples
RUN useradd --system storefront && install --directory --owner=storefront /app/var
USER storefront
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=5s --retries=20 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
# Threads keep a slow fragment from holding a whole process; frames of a bundle leave one by one.
CMD ["gunicorn", "examples.storefront.wsgi", "--bind=0.0.0.0:8000", "--workers=2", \
     "--threads=8", "--access-logfile=-", "--graceful-timeout=20"]
