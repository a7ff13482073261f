"""The Pants plugin of NodeOS: the base image, image layers, archives, the release, and the lint of tier boundaries."""
