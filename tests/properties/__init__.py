"""Laws of the model, checked on draws that are meant to hurt."""
