"""Whether what runs is signed, by whom, and whether the signature holds."""
