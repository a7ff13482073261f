"""The base image: hash-locked Debian 13 packages made into a root file system with CPython 3.13 and nothing else."""
