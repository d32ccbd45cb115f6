"""Reading what strangers wrote: bounded in size, depth and parts."""
