"""The checks, one group a file. Each adds to the case what it finds, and stops nothing: all reasons are told."""
