"""
The latent density finds dijet resonances that the reconstruction misses
========================================================================

LHC Olympics signal events lie inside the range of the background's features, so an autoencoder
reconstructs them well. The divergence of the latent distribution from the prior, a density-like
score, ranks them higher.
"""

import matplotlib.pyplot as plt
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdqm.datasets import make_lhco_events
from skdqm.detectors import VAEDetector
from skdqm.metrics import evaluate_scores
from skdqm.preprocessing import JetFeatures

X_train, _ = make_lhco_events(5000, 0, random_state=0)
X_test, y_test = make_lhco_events(5000, 500, random_state=1)

figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
for axis, score in zip(axes, ["reconstruction", "kl"], strict=True):
    detector = VAEDetector(score=score, max_epochs=30, random_state=0)
    model = make_pipeline(JetFeatures(), StandardScaler(), detector).fit(X_train)
    anomaly_score = -model.score_samples(X_test)
    figures = evaluate_scores(y_test, anomaly_score)
    for label, name in enumerate(["background", "signal"]):
        values = anomaly_score[y_test == label]
        axis.hist(values, bins=50, density=True, histtype="step", label=name)
    axis.set(yscale="log", xlabel=f"anomaly score ({score})", ylabel="density")
    axis.set_title(f"ROC-AUC {figures['roc_auc']:.2f}, max SIC {figures['max_sic']:.1f}")
    axis.legend()
plt.show()
