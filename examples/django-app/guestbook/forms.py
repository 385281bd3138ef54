from django import forms
from django.core.files.uploadedfile import UploadedFile

from . import tasks
from .drills import DRILLS
from .models import Message

#: The largest picture: what web tasks, whose memory is small, can make a preview of.
MAX_BYTES = 5 * 1024 * 1024
MAX_PIXELS = 20_000_000
FORMATS = ("JPEG", "PNG", "WEBP")


class MessageForm(forms.ModelForm):
    class Meta:
        model = Message
        fields = ["text"]
        widgets = {"text": forms.Textarea(attrs={"rows": 3})}


class PictureForm(forms.Form):
    file = forms.ImageField()

    def clean_file(self) -> UploadedFile:
        file = self.cleaned_data["file"]
        width, height = file.image.size
        if file.size > MAX_BYTES or width * height > MAX_PIXELS or file.image.format not in FORMATS:
            raise forms.ValidationError(
                f"A picture must be a JPEG, PNG or WebP of at most {MAX_BYTES // 1024**2} MiB and 20 megapixels."
            )
        return file


class DrillForm(forms.Form):
    drill = forms.ChoiceField(choices=[(name, name) for name in DRILLS])
    label = forms.CharField(max_length=200, required=False)
    seconds = forms.FloatField(min_value=0, max_value=tasks.MAX_SECONDS, required=False)

    def arguments(self) -> dict[str, object]:
        """What the drill's task is called with."""
        arguments = {"label": self.cleaned_data["label"]}
        if self.cleaned_data["seconds"] is not None and "slow" in self.cleaned_data["drill"]:
            arguments["seconds"] = self.cleaned_data["seconds"]
        return arguments
