"""What a sweep looks like on its page."""
