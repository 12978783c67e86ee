"""How long a test is: as long as it is meant to be with ASSAY_TORTURE=1 in the environment (`make torture`), else shortened."""

import os

TORTURE = os.environ.get("ASSAY_TORTURE") == "1"


def long(torture, short):
    """How many, or how long: under torture, and else."""
    return torture if TORTURE else short
