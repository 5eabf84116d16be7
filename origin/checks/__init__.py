"""System checks with stable ids (docs/checks.md); importing this registers them.

`manage.py check` runs them all, and so do `runserver` and `migrate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from django.apps import AppConfig
from django.core.checks import CheckMessage, register
from django.core.exceptions import ImproperlyConfigured

from ..conf import Settings, get_settings
from . import edges, fragments, middleware, models, modules, templates, values

TAG: Final = "twopass"

Check = Callable[[Settings], Iterator[CheckMessage]]

CHECKS: Final[tuple[Check, ...]] = (
    middleware.check_place,
    middleware.check_site_cache,
    middleware.check_sessions,
    edges.check_secret,
    edges.check_token,
    edges.check_addresses,
    edges.check_forwarding,
    edges.check_purges_leave,
    values.check_cache,
    values.check_csrf_sessions,
    fragments.check_names,
    fragments.check_views,
    models.check_declarations,
    models.check_querysets,
    modules.check_shadows,
    templates.check_auto_holes,
)


@register(TAG)
def check_all(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """Every message; settings that cannot be read are the only one."""
    try:
        conf = get_settings()
    except ImproperlyConfigured as error:
        return [values.unreadable(str(error))]
    return [message for check in CHECKS for message in check(conf)]
