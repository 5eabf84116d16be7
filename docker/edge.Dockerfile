# The edge: built as a wheel, installed from the lock, run by an ordinary user. No Django inside.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY requirements/build.lock requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/build.lock
COPY pyproject.toml README.md LICENSE ./
COPY dbrouting dbrouting
COPY edge edge
COPY fragments fragments
COPY migrations_policy migrations_policy
COPY origin origin
RUN python -m build --no-isolation --wheel --outdir /dist

FROM python:3.11-slim-bookworm
ENV PYTHONUNBUFFERED=1
WORKDIR /app
COPY requirements/edge.lock ./
RUN pip install --no-cache-dir --require-hashes -r edge.lock
COPY --from=build /dist /dist
RUN pip install --no-cache-dir --no-deps --no-index /dist/*.whl && useradd --system twopass
USER twopass
EXPOSE 8080 9000
HEALTHCHECK --interval=5s --timeout=3s --retries=10 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:9000/health', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["twopass"]
CMD ["edge", "--listen", "0.0.0.0:8080", "--admin", "0.0.0.0:9000"]
