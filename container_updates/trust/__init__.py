"""What the admin decided, and what was seen before."""
