"""What an execution cost, by published measures: from the order, its fills and the market's record, or not at all."""
