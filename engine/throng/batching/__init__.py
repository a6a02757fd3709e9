"""From a scene to what is drawn together. Pure NumPy: knows no GPU."""
