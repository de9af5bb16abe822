"""The steps of the story, one file each: intake, submit, receive, process, conclude, deliver, alert, sweep, replay."""
