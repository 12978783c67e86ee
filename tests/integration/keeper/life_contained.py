"""The life of a keeper in a container."""

from rules import CONTAINER, rule, same  # noqa: F401
