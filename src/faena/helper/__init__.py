"""The helper process of a script or kernel whose Python cannot load Faena's handles: it has them, and does what
`faena.script.proxies` asks.
"""
