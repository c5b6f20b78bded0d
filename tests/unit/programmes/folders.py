"""A small programme folder that is right, for tests to spoil."""

from __future__ import annotations

from pathlib import Path
from typing import Final

SMALL: Final = {
    "programme.toml": 'name = "Small"\ndescription = "Two groups."\n',
    "groups.csv": "group,name,family\na,young,short\nb,older,short\n",
    "segments.csv": (
        "group,segment,participants,deadweight_rate,ceiling_rate,response_scale_gbp,exit_hazard\n"
        "b,1,40,0.05,0.2,500,0.02\n"
        "b,2,60,0.1,0.4,500,0.02\n"
        "a,1,100,0.3,0.6,400,0.01\n"
    ),
    "tariff.csv": (
        "group,column,value,status,source,low,high,note\n"
        "a,attachment_fee_gbp,400,confirmed,S1,,,\n"
        "a,outcome_fee_gbp,1200,confirmed,S1; S2,,,\n"
        "b,attachment_fee_gbp,400,confirmed,S1,,,\n"
        "b,outcome_fee_gbp,3500,assumed,,3000,4000,\n"
        "b,sustainment_fee_gbp,370,assumed,,,,\n"
        "b,sustainment_max,13,assumed,,,,\n"
    ),
    "figures.csv": (
        "id,value,unit,status,source,low,high,note\n"
        'bid_discount,0.06,,confirmed,S2,,,"an average, of bids"\n'
        "attachment_taper/1,1,,assumed,,,,\n"
        "attachment_taper/2,0.5,,assumed,,,,\n"
        "intake_share/1,0.6,,assumed,,,,\n"
        "intake_share/2,0.4,,assumed,,,,\n"
        "outcome_value_gbp,9000,,assumed,,4000,12000,\n"
        "base_service_gbp/short,500,,assumed,,,,\n"
        "base_service_gbp/b,700,,assumed,,,,\n"
        "evidence/bids,18,bids,confirmed,S2,,,\n"
    ),
    "sources.csv": "key,title,grade,address\nS1,a report,A,a page\nS2,a paper,B,another page\nS3,not cited,C,a third\n",
}
"""The files of the folder. Group b stands first among the segments, so it is the first group of the programme."""


def small_folder(place: Path) -> Path:
    """Write the folder under a place and return it."""
    folder = place / "small"
    folder.mkdir()
    for name, text in SMALL.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder
