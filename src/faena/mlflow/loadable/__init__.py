"""What makes a version that MLflow did not write loadable by its clients: files, made when somebody asks for them.

`formats` tells what the registered files are, `mlmodel` writes MLmodel, `packages` what it was made with. What MLflow
cannot load by itself is loaded by the kinds of `scoring/worker`, which are sent with it.
"""
