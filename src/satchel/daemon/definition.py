"""How each system is told to keep a watch running: the text of the definition, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

SYSTEMD, LAUNCHD, TASK = "systemd", "launchd", "task"
KINDS = (SYSTEMD, LAUNCHD, TASK)


@dataclass(frozen=True, slots=True)
class Service:
    """The watch of one home. `command`: the program and its words, whole paths."""

    node: str
    network: str
    home: Path
    command: tuple[str, ...]

    @property
    def name(self) -> str:
        """Of the service: two homes of one user are two services."""
        return f"satchel-{self.network}-{self.node}"


def definition(service: Service, kind: str) -> str:
    """The text for systemd (user unit), launchd (property list) or the Windows Task Scheduler (XML)."""
    return {SYSTEMD: _systemd, LAUNCHD: _launchd, TASK: _task}[kind](service)


def _systemd(service: Service) -> str:
    return f"""\
[Unit]
Description=Satchel: {service.node} of {service.network}

[Service]
ExecStart={" ".join(map(_systemd_word, service.command))}
WorkingDirectory={_systemd_path(service.home)}
Restart=on-failure
RestartSec=30
Nice=5

[Install]
WantedBy=default.target
"""


def _systemd_word(word: str) -> str:
    """In quotes, with what systemd would read otherwise escaped: backslash, quote, $ and %."""
    plain = word.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$").replace("%", "%%")
    return f'"{plain}"'


def _systemd_path(path: Path) -> str:
    return str(path).replace("%", "%%")


def _launchd(service: Service) -> str:
    words = "\n".join(f"    <string>{escape(word)}</string>" for word in service.command)
    log = escape(str(service.home / "watch" / "log"))
    return f"""\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>{escape(service.name)}</string>
  <key>ProgramArguments</key>
  <array>
{words}
  </array>
  <key>WorkingDirectory</key>
  <string>{escape(str(service.home))}</string>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>StandardOutPath</key>
  <string>{log}</string>
  <key>StandardErrorPath</key>
  <string>{log}</string>
</dict>
</plist>
"""


def _task(service: Service) -> str:
    program, *words = service.command
    return f"""\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>{escape(f"Satchel: {service.node} of {service.network}")}</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
    </LogonTrigger>
  </Triggers>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>999</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{escape(program)}</Command>
      <Arguments>{escape(_windows_words(words))}</Arguments>
      <WorkingDirectory>{escape(str(service.home))}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
"""


def _windows_words(words: Sequence[str]) -> str:
    from subprocess import list2cmdline

    return list2cmdline(words)
