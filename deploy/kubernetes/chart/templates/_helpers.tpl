{{- define "assay.labels" -}}
app.kubernetes.io/name: assay
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "assay.config" -}}
{{- $added := dict "kubernetes_namespace" .Values.evaluations.namespace }}
{{- if .Values.tls.secretName }}
{{- $added = merge $added (dict "tls_cert" "/etc/assay-tls/tls.crt" "tls_key" "/etc/assay-tls/tls.key") }}
{{- end }}
{{- toYaml (merge $added .Values.config) }}
{{- end }}

{{- /* It ends in a digest of its content, so that another configuration makes another pod. */}}
{{- define "assay.configName" -}}
{{ .Release.Name }}-{{ include "assay.config" . | sha256sum | trunc 10 }}
{{- end }}
