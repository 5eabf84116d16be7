"""The storefront with the policy's commands, and catalogue migrations that a test wrote."""

import os
import sys

from examples.storefront.settings import *  # noqa: F403
from examples.storefront.settings import INSTALLED_APPS as SHOP_APPS

sys.path.insert(0, os.environ["POLICY_MIGRATIONS"])

INSTALLED_APPS = [*SHOP_APPS, "migrations_policy"]
MIGRATION_MODULES = {"catalogue": "catalogue_history"}
