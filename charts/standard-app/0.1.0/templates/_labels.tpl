{{/* The one label that selects pods. Never changed: an upgrade to another selector is refused by the cluster. */}}
{{- define "selector" -}}
app.kubernetes.io/name: {{ .Values.app | quote }}
{{- end }}

{{/* What pods carry: without the commit, so that one that changes nothing of them does not restart them. */}}
{{- define "pod-labels" -}}
{{ include "selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
app.kubernetes.io/part-of: {{ .Values.team | quote }}
deploy-gateway.dev/app: {{ .Values.app | quote }}
deploy-gateway.dev/team: {{ .Values.team | quote }}
deploy-gateway.dev/environment: {{ .Values.environment | quote }}
{{- end }}

{{- define "labels" -}}
{{ include "pod-labels" . }}
deploy-gateway.dev/commit: {{ .Values.commit | quote }}
{{- end }}

{{- define "metadata" -}}
name: {{ .Values.app | quote }}
namespace: {{ .Release.Namespace | quote }}
labels:
  {{- include "labels" . | nindent 2 }}
{{- end }}
