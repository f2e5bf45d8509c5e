"""What the sending verbs have in common: from frames to the account of what became of them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from patrol.buffer import Buffer
from patrol.commands.options import SendOptions, open_buffer
from patrol.commands.talk import answer_json, answer_rows, upload_progress, waiting_progress
from patrol.drive_report import DriveReport
from patrol.drive_sending import DriveSending, Reports
from patrol.errors import ExitCode, InputError, OutsideError
from patrol.frame import CapturedFrame
from patrol.link import HttpLink, Link, UploadSettings
from patrol.server import Server
from patrol.sources.drive import Skipped
from patrol.upload import Uploader

_REMEMBERED = timedelta(days=30)
"""So long a sent frame is known here; after that the server alone says that it knows a frame sent once more."""
Items = Iterable[CapturedFrame | Skipped]
Tokens = Mapping[str, str]


def send_drive(items: Items, tokens: Tokens, options: SendOptions) -> ExitCode:
    """Send a drive and answer with its account; CHECK_FAILED where the server refused a frame."""
    with open_buffer(options.buffer, options.server, options.buffer_gib) as buffer:
        buffer.forget_sent(datetime.now(UTC) - _REMEMBERED)
        sending = _sent(items, tokens, buffer, options)
        reports = _followed(sending, tokens, options)
    if options.as_json:
        for key, report in reports.items():
            named = {"origin": sending.origins[key], "device": key[0], "camera": key[1], "taken_at": key[2]}
            answer_json(named | {"report": report})
        answer_json(sending.report.summary())
    else:
        answer_rows("what became of the drive", told(sending.report, analysed=options.wait))
    return ExitCode.FINE if sending.report.is_complete else ExitCode.CHECK_FAILED


def _sent(items: Items, tokens: Tokens, buffer: Buffer, options: SendOptions) -> DriveSending:
    settings = UploadSettings(server=options.server, device_tokens=tokens, connections=options.connections)
    link = _stream_link(settings) if options.stream else HttpLink(settings)
    with Uploader(buffer, settings, link) as uploader, upload_progress(buffer, uploader) as tick:
        sending = DriveSending(buffer=buffer, uploader=uploader, again=options.again, patience_s=options.patience_s)
        sending.fill(items, tick)
        uploader.drain(patience_s=options.patience_s, tick=tick)
    return sending


def _stream_link(settings: UploadSettings) -> Link:
    try:
        from patrol.stream_link import StreamLink  # its library is an extra
    except ImportError as error:
        raise InputError(f"--stream needs more than is installed ({error}): pip install 'xuncheng[patrol]'") from error
    return StreamLink(settings)


def _followed(sending: DriveSending, tokens: Tokens, options: SendOptions) -> Reports:
    there = sending.settle()
    if not options.wait:
        return {}
    server = Server(options.server)
    try:
        with waiting_progress("analysing", len(there)) as tick:
            found = sending.follow(there, server, tokens, tick)
    finally:
        server.close()
    if there and sending.report.unreported == len(there):
        raise OutsideError(f"the server has analysed none of {len(there)} frames within {options.patience_s:.0f} s")
    return found


def told(report: DriveReport, *, analysed: bool) -> list[tuple[str, object]]:
    """The account as rows for people; what did not happen is left out, except where its absence is the news."""
    rows: list[tuple[str, object]] = [("pictures in the source", report.pictures)]
    rows += [(f"  skipped: {reason}", count) for reason, count in report.skipped.items()]
    rows += [("  the same picture twice", report.repeated)] if report.repeated else []
    rows += [(f"  note: {note}", count) for note, count in report.notes.items()]
    rows += [("frames the server took as new", report.accepted)]
    rows += [("frames the server knew already", report.duplicates)] if report.duplicates else []
    rows += [("frames sent in an earlier run", report.sent_before)] if report.sent_before else []
    rows += [(f"frames refused and parked: {code}", count) for code, count in report.parked.items()]
    rows += [("frames still waiting", report.waiting)] if report.waiting else []
    return rows + (_analysis_told(report) if analysed else [])


def _analysis_told(report: DriveReport) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = [("frames analysed", report.analysed)]
    rows += [(f"frames dropped: {reason}", count) for reason, count in report.dropped.items()]
    rows += [("frames without a report in time", report.unreported)] if report.unreported else []
    rows += [("detections", report.detections)]
    rows += [(f"  dropped: {reason}", count) for reason, count in report.detections_dropped.items()]
    rows += [(f"  observations of {name}", count) for name, count in report.observations.items()]
    rows += [("observations with a position on the ground", report.placed), ("cases touched", len(report.cases))]
    return rows
