"""Importing this module registers every command with its handler, and the domain below them."""

from domain.catalog import import_areas

import_areas("application")
