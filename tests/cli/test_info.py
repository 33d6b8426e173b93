import json

from skdqm.persistence import load


def test_json_holds_steps_threshold_calibration_and_origin(run, model):
    facts = json.loads(run("info", model, "--json").out)
    detector = load(model)[-1]
    assert facts["steps"] == ["JetFeatures", "StandardScaler", "AutoencoderDetector"]
    assert len(facts["features"]) == 14
    assert facts["threshold"] == -detector.offset_
    assert facts["alarm_rate"] == 0.05
    assert facts["alarm_rate_interval"] == list(detector.alarm_rate_interval_)
    assert facts["parameters"]["max_epochs"] == 3
    assert facts["parameters"]["hidden_layer_sizes"] == [16]
    assert facts["parameters"]["early_stopping"] is False
    assert (facts["data"], facts["epochs"]) == ("events.h5", 3)


def test_a_pipe_gets_one_line_per_fact(run, model):
    code, out, err = run("info", model)
    assert (code, err) == (0, "")
    facts = dict(line.split("\t") for line in out.splitlines())
    assert facts["steps"] == "JetFeatures, StandardScaler, AutoencoderDetector"
    assert facts["alarm_rate"] == "0.05"
