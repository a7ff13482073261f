"""Keys and signatures that more than one process must agree on."""
