"""The storefront with migrations of the catalogue that a test wrote."""

import os
import sys

from examples.storefront.settings import *  # noqa: F403

sys.path.insert(0, os.environ["CATALOGUE_HISTORY"])

MIGRATION_MODULES = {"catalogue": "catalogue_history"}
