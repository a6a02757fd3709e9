"""throng draws huge crowds of similar objects from NumPy arrays."""
