"""What a script's last words say of why it failed, and what can be done about it.

The end of the log is read once, in linear time; each rule looks at one exception and gives its advice, or None.
"""
