{{- define "repository.labels" -}}
app.kubernetes.io/name: repository
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "repository.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag }}
{{- end }}
