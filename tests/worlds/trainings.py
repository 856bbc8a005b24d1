"""A few lines for each framework, in the words of its time: they end with an error where nothing was learnt."""

TENSORFLOW_1 = """
import numpy as np, tensorflow as tf
x = np.random.RandomState(0).rand(64, 3).astype('float32'); y = x.sum(1, keepdims=True)
a, b = tf.placeholder(tf.float32, [None, 3]), tf.placeholder(tf.float32, [None, 1])
loss = tf.reduce_mean(tf.square(tf.matmul(a, tf.Variable(tf.zeros([3, 1]))) - b))
step = tf.train.GradientDescentOptimizer(0.3).minimize(loss)
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    first = session.run(loss, {a: x, b: y})
    for _ in range(50): session.run(step, {a: x, b: y})
    last = session.run(loss, {a: x, b: y})
assert last < first / 10, (first, last)
print(tf.__version__)
"""

TENSORFLOW_2 = """
import numpy as np, tensorflow as tf
x = np.random.RandomState(0).rand(64, 3).astype('float32'); y = x.sum(1, keepdims=True)
model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(3,))])
model.compile(optimizer=tf.keras.optimizers.SGD(0.1), loss='mse')
losses = model.fit(x, y, epochs=20, verbose=0).history['loss']
assert losses[-1] < losses[0] / 2, losses
print(tf.__version__)
"""

KERAS = """
import numpy as np, keras
from keras.layers import Dense
from keras.models import Sequential
x = np.random.RandomState(0).rand(64, 3); y = x.sum(1, keepdims=True)
model = Sequential([Dense(1, input_shape=(3,))])
model.compile(optimizer=keras.optimizers.SGD(0.1), loss='mse')
losses = model.fit(x, y, epochs=20, verbose=0).history['loss']
assert losses[-1] < losses[0] / 2, losses
print(keras.__version__)
"""

TORCH = """
import torch
torch.manual_seed(0)
x = torch.rand(64, 3); y = x.sum(1, keepdim=True)
model = torch.nn.Linear(3, 1); step = torch.optim.SGD(model.parameters(), 0.1)
losses = []
for _ in range(50):
    step.zero_grad(); loss = torch.nn.functional.mse_loss(model(x), y); loss.backward(); step.step()
    losses.append(loss.item())
assert losses[-1] < losses[0] / 2, losses
print(torch.__version__)
"""

TORCH_IMAGES = """
import torch
from PIL import Image
from torchvision import models, transforms
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
grey = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
images = [grey(Image.new('L', (8, 8), 255 * (i % 2))) for i in range(32)]
loader = DataLoader(TensorDataset(torch.stack(images), torch.tensor([i % 2 for i in range(32)])), batch_size=8)
model = torch.nn.Linear(64, 2); step = torch.optim.SGD(model.parameters(), 0.1)
losses = []
for _ in range(10):
    for x, y in loader:
        step.zero_grad(); loss = torch.nn.functional.cross_entropy(model(x.view(-1, 64)), y); loss.backward()
        step.step()
        losses.append(loss.item())
assert losses[-1] < losses[0] / 2, losses
if torch.__version__ >= '1.1':
    from torch.utils.tensorboard import SummaryWriter
assert models.resnet18
print(torch.__version__)
"""

CHAINER = """
import numpy as np, chainer, chainer.functions as F, chainer.links as L
x = np.random.RandomState(0).rand(64, 3).astype('f'); y = x.sum(1, keepdims=True)
model = L.Linear(3, 1); step = chainer.optimizers.SGD(0.1); step.setup(model)
losses = []
for _ in range(50):
    model.cleargrads(); loss = F.mean_squared_error(model(x), y); loss.backward(); step.update()
    losses.append(float(loss.array))
assert losses[-1] < losses[0] / 2, losses
print(chainer.__version__)
"""

SKLEARN = """
from sklearn.datasets import load_iris
from sklearn.externals import joblib
from sklearn.linear_model import LogisticRegression
import sklearn
x, y = load_iris(return_X_y=True)
assert LogisticRegression(solver='lbfgs', multi_class='auto', max_iter=500).fit(x, y).score(x, y) > 0.9
print(sklearn.__version__)
"""

XGBOOST = """
import numpy as np, xgboost
x = np.random.RandomState(0).rand(200, 3); y = (x.sum(1) > 1.5).astype(int)
booster = xgboost.train({'objective': 'binary:logistic'}, xgboost.DMatrix(x, y), 20)
assert ((booster.predict(xgboost.DMatrix(x)) > 0.5) == y).mean() > 0.9
print(xgboost.__version__)
"""

LIGHTGBM = """
import numpy as np, lightgbm
x = np.random.RandomState(0).rand(400, 3); y = (x.sum(1) > 1.5).astype(int)
model = lightgbm.LGBMClassifier(n_estimators=30, min_child_samples=5).fit(x, y)
assert model.score(x, y) > 0.9
print(lightgbm.__version__)
"""

TABLES = """
import matplotlib; matplotlib.use('Agg')
import io, matplotlib.pyplot as plt, pandas as pd, scipy.stats
frame = pd.DataFrame({'a': range(10), 'b': range(10, 0, -1)})
assert abs(scipy.stats.pearsonr(frame.a, frame.b)[0] + 1) < 1e-9 and len(frame.as_matrix()) == 10
plt.plot(frame.a, frame.b); plt.savefig(io.BytesIO())
print(pd.__version__)
"""

NOTEBOOKS = """
import papermill, ipykernel, scrapbook
print(papermill.__version__)
"""
