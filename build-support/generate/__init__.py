"""Writes what stands in the repository and follows from the manifests: Dockerfiles, monitoring, the README's table."""
