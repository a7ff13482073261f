"""From what the oracles agreed on to a trade that guardians can judge."""
