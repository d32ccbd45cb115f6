"""The link "source": where an image was built from, and whether that is proven."""
