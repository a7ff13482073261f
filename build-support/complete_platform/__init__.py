"""Describes the base image's Python to Pex, so that distributions for it are chosen on any machine."""
