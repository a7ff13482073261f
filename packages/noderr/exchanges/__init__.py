"""Where orders are traded: what every venue can be asked, simulated venues on real books, a port to real ones, and the
account that their fills add up to. Orders and fills are `noderr.types.trading`.
"""
