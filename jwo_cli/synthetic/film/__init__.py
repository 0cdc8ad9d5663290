"""Films of a simulated store: what its cameras would show, from the same play that the other sensors are made of."""
