"""Fits a ridge regression to scikit-learn's diabetes data; the run gets the error, ./outputs the model."""

import argparse
import os

import joblib
from azureml.core.run import Run
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--alpha", type=float, default=0.5, help="how strongly large weights are punished")
alpha = parser.parse_args().alpha

run = Run.get_context()
x, y = load_diabetes(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=0)

model = Ridge(alpha=alpha).fit(x_train, y_train)
mse = mean_squared_error(y_test, model.predict(x_test))
run.log("alpha", alpha)
run.log("mse", mse)
print("alpha is {:.2f}, and mse is {:.2f}".format(alpha, mse))

os.makedirs("outputs", exist_ok=True)
joblib.dump(model, os.path.join("outputs", "ridge_{:.2f}.pkl".format(alpha)))
