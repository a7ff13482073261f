"""Public randomness that nobody chooses and everybody can check: a drand beacon, or a finalised block."""
