"""`faena lab`: JupyterLab on a workspace's folder."""
