{{/* The one label that selects pods. Never changed: an upgrade to another selector is refused by the cluster. */}}
{{- define "selector" -}}
app.kubernetes.io/name: {{ .Values.app | quote }}
{{- end }}

{{/* What hooks are called: not as the App, or its Service would send them requests. */}}
{{- define "hooks" -}}
{{ printf "%s-hooks" .Values.app }}
{{- end }}

{{/* Whose it is, whatever it is called. */}}
{{- define "owner" -}}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
app.kubernetes.io/part-of: {{ .Values.team | quote }}
deploy-gateway.dev/app: {{ .Values.app | quote }}
deploy-gateway.dev/team: {{ .Values.team | quote }}
deploy-gateway.dev/environment: {{ .Values.environment | quote }}
{{- end }}

{{/* What pods carry: without the commit, so that one that changes nothing of them does not restart them. */}}
{{- define "pod-labels" -}}
{{ include "selector" . }}
{{ include "owner" . }}
{{- if eq ((.Values.cloudIdentity | default dict).cloud | default "") "azure" }}
azure.workload.identity/use: "true"
{{- end }}
{{- end }}

{{- define "labels" -}}
{{ include "selector" . }}
{{ include "owner" . }}
deploy-gateway.dev/commit: {{ .Values.commit | quote }}
{{- end }}

{{/* Of an object that is called as the App. */}}
{{- define "metadata" -}}
name: {{ .Values.app | quote }}
namespace: {{ .Release.Namespace | quote }}
labels:
  {{- include "labels" . | nindent 2 }}
{{- end }}

{{/* Of a part of the App: list . "suffix". */}}
{{- define "metadata-of" -}}
{{- $root := index . 0 -}}
name: {{ printf "%s-%s" $root.Values.app (index . 1) | quote }}
namespace: {{ $root.Release.Namespace | quote }}
labels:
  {{- include "labels" $root | nindent 2 }}
{{- end }}

{{/* Of a hook: list . "name" "events" weight. It stays until the next time, to be looked at. */}}
{{- define "hook-metadata" -}}
{{- $root := index . 0 -}}
name: {{ index . 1 | quote }}
namespace: {{ $root.Release.Namespace | quote }}
labels:
  app.kubernetes.io/name: {{ include "hooks" $root | quote }}
  {{- include "owner" $root | nindent 2 }}
  deploy-gateway.dev/commit: {{ $root.Values.commit | quote }}
annotations:
  helm.sh/hook: {{ index . 2 | quote }}
  helm.sh/hook-weight: {{ index . 3 | quote }}
  helm.sh/hook-delete-policy: before-hook-creation
{{- end }}
