"""The stores of applications and decisions: their contracts, and one implementation in each folder."""
