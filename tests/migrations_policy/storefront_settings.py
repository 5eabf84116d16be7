"""The storefront with catalogue migrations that a test wrote."""

import os
import sys

from examples.storefront.settings import *  # noqa: F403

sys.path.insert(0, os.environ["POLICY_MIGRATIONS"])

MIGRATION_MODULES = {"catalogue": "catalogue_history"}
