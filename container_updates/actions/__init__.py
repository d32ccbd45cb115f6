"""What a person asks for beside the check: one container, or the memory of signers."""
