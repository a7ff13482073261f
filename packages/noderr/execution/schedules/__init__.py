"""When how much of an order is sent: state machines without I/O, and the trajectory of Almgren and Chriss."""
