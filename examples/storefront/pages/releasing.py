"""What a migrated table shows is made anew: the hook of ``manage.py migrate_guarded``."""

import logging
from collections.abc import Sequence

from origin.invalidation import (
    collect_receipts,
    invalidate_all,
    invalidate_groups,
    wait_for_receipts,
)

logger = logging.getLogger("storefront")

# Groups that every page, fragment and cached row of a table belongs to. What is on many pages in
# other ways (products, customer groups) drops everything.
GROUPS = {
    "blog_post": ("posts",),
    "catalogue_category": ("navigation", "shelves"),
    "money_exchangerate": ("prices",),
}
# No page shows these but to their owner, and fragments of one's own are never older than a minute.
PRIVATE = ("basket_", "orders_", "django_", "auth_")
PATIENCE = 30.0


def drop_old_shapes(phase: str | None, *, migrations: Sequence[str], tables: Sequence[str]) -> None:
    """Drop pages at the edges and data in the caches, and wait until all edges have.

    The data caches take every purge as a new version of its groups, for all processes. Raises
    RuntimeError when an edge has not answered: the migrations are applied all the same.
    """
    shown = [table for table in tables if not table.startswith(PRIVATE)]
    if not shown:
        return
    with collect_receipts():
        if all(table in GROUPS for table in shown):
            invalidate_groups(*sorted({group for table in shown for group in GROUPS[table]}))
        else:
            invalidate_all()
        is_done = wait_for_receipts(PATIENCE)
    logger.info("dropped what shows %s (phase %s)", ", ".join(shown), phase or "any")
    if not is_done:
        raise RuntimeError(
            f"no word from an edge for {PATIENCE:.0f} s after the purge; run `twopass purge --all`"
        )
