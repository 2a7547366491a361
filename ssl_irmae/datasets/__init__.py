"""Sources of images: one file each, one small in-memory object from all of them."""
