from django import forms

from . import tasks
from .drills import DRILLS
from .models import Message


class MessageForm(forms.ModelForm):
    class Meta:
        model = Message
        fields = ["text"]
        widgets = {"text": forms.Textarea(attrs={"rows": 3})}


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
