import sys

from tests.sabotage.harness import main

sys.exit(main())
