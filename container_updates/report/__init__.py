"""An outcome as text, a file for each form."""
