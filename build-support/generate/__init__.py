"""Writes what stands in the repository and follows from the manifests: Dockerfiles and the README's table."""
